-- What somebody would write who had to reweigh the lines of a cycle's window by hand: lines joined to what they are, by the
-- weights of a table, summed by partner. No dispositions, corrections, caps, levels, differences or proof.
select location.partner_mpn_id, sum(line.quantity * document.unit_sign * product.units_per_sku * tried.weight) as kpi_value,
       sum(line.net_amount * document.amount_sign) as amount
from line
join document on document.id = line.document_id
join customer on customer.customer_number = line.customer_number and customer.source = document.source
             and customer.ended_no is null
             and line.issue_date >= customer.valid_from
             and line.issue_date <  coalesce(customer.valid_to, 'infinity')
left join location on location.location_mpn_id = customer.location_mpn_id and location.ended_no is null
                  and location.valid_from <= '2020-05-31'
                  and coalesce(location.valid_to, 'infinity') > '2020-05-31'
join product  on product.sku = line.sku and product.ended_no is null
             and line.issue_date >= product.valid_from
             and line.issue_date <  coalesce(product.valid_to, 'infinity')
join (values ('courseware-fundamentals', 1), ('courseware-advanced', 3), ('exam-fundamentals', 1), ('exam-advanced', 1))
     as tried (kpi_class, weight) on tried.kpi_class = product.kpi_class
where line.ended_no is null
  and line.issue_date >= '2019-06-01'
  and line.issue_date <  '2020-06-01'
group by 1;
